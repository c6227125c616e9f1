module.exports = class Touch1704067200007 {
  name = 'Touch1704067200007'

  async up(queryRunner) {
    await queryRunner.query(`
      CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        NEW.updated_at := now();
        RETURN NEW;
      END $$`)
    await queryRunner.query(
      'CREATE TRIGGER members_touch BEFORE UPDATE ON members FOR EACH ROW EXECUTE FUNCTION touch()',
    )
  }

  async down(queryRunner) {
    await queryRunner.query('DROP TRIGGER members_touch ON members')
    await queryRunner.query('DROP FUNCTION touch()')
  }
}
