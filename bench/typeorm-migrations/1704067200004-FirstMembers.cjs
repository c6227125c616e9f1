module.exports = class FirstMembers1704067200004 {
  name = 'FirstMembers1704067200004'

  async up(queryRunner) {
    const [{ id }] = await queryRunner.query(
      `INSERT INTO members (email, name) VALUES ('owner@example.org', 'Owner') RETURNING id`,
    )
    await queryRunner.query(
      `INSERT INTO orders (member_id, state, total) VALUES ($1, 'open', 10), ($1, 'paid', 25.5)`,
      [id],
    )
  }

  async down(queryRunner) {
    await queryRunner.query(`DELETE FROM members WHERE email = 'owner@example.org'`)
  }
}
