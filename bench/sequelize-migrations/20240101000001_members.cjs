const { DataTypes, literal } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.createTable('members', {
    id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
    email: { type: DataTypes.STRING, allowNull: false, unique: true },
    name: { type: DataTypes.TEXT, allowNull: false },
    role: { type: DataTypes.ENUM('owner', 'admin', 'member'), allowNull: false, defaultValue: 'member' },
    created_at: { type: DataTypes.DATE, allowNull: false, defaultValue: literal('CURRENT_TIMESTAMP') },
  })
}

exports.down = async ({ context: queryInterface }) => queryInterface.dropTable('members')
