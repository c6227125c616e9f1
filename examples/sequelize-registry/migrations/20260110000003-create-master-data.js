'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.createTable('units', {
      code: { type: Sequelize.STRING(8), primaryKey: true },
      name: { type: Sequelize.STRING, allowNull: false },
    })
    await queryInterface.bulkInsert('units', [
      { code: 'pcs', name: 'Piece' },
      { code: 'kg', name: 'Kilogram' },
      { code: 'm', name: 'Metre' },
    ])
    await queryInterface.createTable('tax_rates', {
      code: { type: Sequelize.STRING(8), primaryKey: true },
      percent: { type: Sequelize.DECIMAL(5, 2), allowNull: false },
    })
    await queryInterface.bulkInsert('tax_rates', [
      { code: 'full', percent: 19 },
      { code: 'reduced', percent: 7 },
    ])
  },

  down: async (queryInterface) => {
    await queryInterface.dropTable('tax_rates')
    await queryInterface.dropTable('units')
  },
}
