exports.up = async ({ context: queryInterface }) => {
  await queryInterface.bulkInsert('members', [
    { email: 'ada@example.org', name: 'Ada', role: 'owner' },
    { email: 'bob@example.org', name: 'Bob', role: 'member' },
  ])
}

exports.down = async ({ context: queryInterface }) => queryInterface.bulkDelete('members', {})
