exports.up = async ({ context: { sequelize } }) => {
  await sequelize.query(`CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.created_at := now(); RETURN NEW; END $$`)
  await sequelize.query('CREATE TRIGGER members_touch BEFORE UPDATE ON members FOR EACH ROW EXECUTE FUNCTION touch()')
}

exports.down = async ({ context: { sequelize } }) => {
  await sequelize.query('DROP TRIGGER members_touch ON members')
  await sequelize.query('DROP FUNCTION touch()')
}
