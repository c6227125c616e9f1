'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    for (const name of ['subscriptions', 'one_time_purchases'])
      await queryInterface.addColumn(name, 'deleted_at', { type: Sequelize.DATE })
  },

  down: async (queryInterface) => {
    for (const name of ['one_time_purchases', 'subscriptions'])
      await queryInterface.removeColumn(name, 'deleted_at')
  },
}
