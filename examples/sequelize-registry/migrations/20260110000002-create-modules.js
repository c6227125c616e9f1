'use strict'

module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.createTable('modules', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true },
      code: { type: Sequelize.STRING, allowNull: false, unique: true },
      name: { type: Sequelize.STRING, allowNull: false },
      path: { type: Sequelize.STRING, allowNull: false },
      position: { type: Sequelize.INTEGER, allowNull: false },
    })
    await queryInterface.bulkInsert('modules', [
      { code: 'dashboard', name: 'Dashboard', path: '/', position: 10 },
      { code: 'products', name: 'Products', path: '/products', position: 20 },
      { code: 'users', name: 'Users', path: '/users', position: 30 },
    ])
    const may = { type: Sequelize.BOOLEAN, allowNull: false, defaultValue: false }
    await queryInterface.createTable('role_modules', {
      id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true },
      role_id: {
        type: Sequelize.INTEGER,
        allowNull: false,
        references: { model: 'roles', key: 'id' },
        onDelete: 'CASCADE',
      },
      module_id: {
        type: Sequelize.INTEGER,
        allowNull: false,
        references: { model: 'modules', key: 'id' },
        onDelete: 'CASCADE',
      },
      can_view: may,
      can_create: may,
      can_edit: may,
      can_delete: may,
    })
    await queryInterface.addIndex('role_modules', ['role_id', 'module_id'], { unique: true, name: 'role_modules_pair' })
    await queryInterface.sequelize.query(`
      INSERT INTO role_modules (role_id, module_id, can_view, can_create, can_edit, can_delete)
      SELECT r.id, m.id, true, true, true, true FROM roles r, modules m WHERE r.name = 'SuperAdmin'`)
  },

  down: async (queryInterface) => {
    await queryInterface.dropTable('role_modules')
    await queryInterface.dropTable('modules')
  },
}
