module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.createTable('tenants', {
      id: { type: Sequelize.UUID, primaryKey: true, defaultValue: Sequelize.literal('gen_random_uuid()') },
      slug: { type: Sequelize.STRING, allowNull: false, unique: true },
      company_name: { type: Sequelize.STRING, allowNull: false },
      mode: { type: Sequelize.STRING, allowNull: false, defaultValue: 'shared' },
      status: { type: Sequelize.STRING, allowNull: false, defaultValue: 'active' },
      db_host: { type: Sequelize.STRING, allowNull: false },
      db_port: { type: Sequelize.INTEGER, allowNull: false, defaultValue: 5432 },
      db_name: { type: Sequelize.STRING, allowNull: false },
      db_user: { type: Sequelize.STRING },
      db_password_encrypted: { type: Sequelize.TEXT },
      created_at: { type: Sequelize.DATE, allowNull: false, defaultValue: Sequelize.fn('now') },
      updated_at: { type: Sequelize.DATE, allowNull: false, defaultValue: Sequelize.fn('now') },
    })
  },

  down: async (queryInterface) => queryInterface.dropTable('tenants'),
}
