const { DataTypes, QueryTypes } = require('sequelize')

exports.up = async ({ context: queryInterface }) => {
  await queryInterface.createTable('settings', {
    member_id: { type: DataTypes.BIGINT, primaryKey: true, references: { model: 'members', key: 'id' } },
    data: { type: DataTypes.JSONB, allowNull: false },
  })
  const members = await queryInterface.sequelize.query('SELECT id FROM members WHERE role = :role', {
    replacements: { role: 'owner' },
    type: QueryTypes.SELECT,
  })
  await queryInterface.bulkInsert(
    'settings',
    members.map(({ id }) => ({ member_id: id, data: JSON.stringify({ theme: 'dark' }) })),
  )
}

exports.down = async ({ context: queryInterface }) => queryInterface.dropTable('settings')
