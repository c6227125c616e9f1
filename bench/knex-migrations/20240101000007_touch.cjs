exports.up = async (knex) => {
  await knex.raw(`
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.updated_at := now();
      RETURN NEW;
    END $$`)
  await knex.raw('CREATE TRIGGER members_touch BEFORE UPDATE ON members FOR EACH ROW EXECUTE FUNCTION touch()')
}

exports.down = async (knex) => {
  await knex.raw('DROP TRIGGER members_touch ON members')
  await knex.raw('DROP FUNCTION touch()')
}
