'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.addConstraint('organization_members', {
      fields: ['organization_id', 'user_id'],
      type: 'unique',
      name: 'organization_members_once',
    })
  },

  down: async (queryInterface) => {
    await queryInterface.removeConstraint('organization_members', 'organization_members_once')
  },
}
