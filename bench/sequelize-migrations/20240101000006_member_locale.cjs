const { DataTypes } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.addColumn('members', 'locale', {
    type: DataTypes.STRING(8),
    allowNull: false,
    defaultValue: 'en',
  })
  await queryInterface.bulkUpdate('members', { locale: 'de' }, { email: 'ada@example.org' })
}

exports.down = async ({ context: queryInterface }) => queryInterface.removeColumn('members', 'locale')
