import { sql } from 'kysely'

export async function up(db) {
  await sql`
    CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.updated_at := now();
      RETURN NEW;
    END $$`.execute(db)
  await sql`CREATE TRIGGER members_touch BEFORE UPDATE ON members FOR EACH ROW EXECUTE FUNCTION touch()`.execute(db)
}

export async function down(db) {
  await sql`DROP TRIGGER members_touch ON members`.execute(db)
  await sql`DROP FUNCTION touch()`.execute(db)
}
