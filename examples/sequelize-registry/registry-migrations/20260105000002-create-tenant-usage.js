module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.createTable('tenant_usage', {
      tenant_id: {
        type: Sequelize.UUID,
        primaryKey: true,
        references: { model: 'tenants', key: 'id' },
        onDelete: 'CASCADE',
      },
      day: { type: Sequelize.DATEONLY, primaryKey: true },
      requests: { type: Sequelize.BIGINT, allowNull: false, defaultValue: 0 },
    })
  },

  down: async (queryInterface) => queryInterface.dropTable('tenant_usage'),
}
