'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    for (const name of ['users', 'organizations', 'organization_members'])
      await queryInterface.addColumn(name, 'deleted_at', { type: Sequelize.DATE })
  },

  down: async (queryInterface) => {
    for (const name of ['organization_members', 'organizations', 'users'])
      await queryInterface.removeColumn(name, 'deleted_at')
  },
}
