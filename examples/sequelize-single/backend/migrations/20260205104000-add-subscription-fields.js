'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.addColumn('subscriptions', 'renews_at', { type: Sequelize.DATE })
    await queryInterface.addColumn('subscriptions', 'seats', { type: Sequelize.INTEGER, allowNull: false, defaultValue: 1 })
  },

  down: async (queryInterface) => {
    await queryInterface.removeColumn('subscriptions', 'seats')
    await queryInterface.removeColumn('subscriptions', 'renews_at')
  },
}
