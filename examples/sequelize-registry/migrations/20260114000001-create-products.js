'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.createTable('products', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true },
      sku: { type: Sequelize.STRING, allowNull: false, unique: true },
      name: { type: Sequelize.STRING, allowNull: false },
      unit: { type: Sequelize.STRING(8), allowNull: false, references: { model: 'units', key: 'code' } },
      price: { type: Sequelize.DECIMAL(12, 2), allowNull: false },
    })
    await queryInterface.createTable('bill_of_materials', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true },
      product_id: { type: Sequelize.INTEGER, allowNull: false, references: { model: 'products', key: 'id' } },
      part_id: { type: Sequelize.INTEGER, allowNull: false, references: { model: 'products', key: 'id' } },
      quantity: { type: Sequelize.DECIMAL(12, 3), allowNull: false },
    })
    await queryInterface.createTable('stock_movements', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true },
      product_id: { type: Sequelize.INTEGER, allowNull: false, references: { model: 'products', key: 'id' } },
      user_id: { type: Sequelize.INTEGER, references: { model: 'users', key: 'id' } },
      quantity: { type: Sequelize.DECIMAL(12, 3), allowNull: false },
      moved_at: { type: Sequelize.DATE, allowNull: false, defaultValue: Sequelize.fn('now') },
    })
  },

  down: async (queryInterface) => {
    for (const name of ['stock_movements', 'bill_of_materials', 'products']) await queryInterface.dropTable(name)
  },
}
