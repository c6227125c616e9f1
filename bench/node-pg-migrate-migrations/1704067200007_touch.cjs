exports.up = (pgm) => {
  const body = `
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END `
  pgm.createFunction('touch', [], { returns: 'trigger', language: 'plpgsql' }, body)
  pgm.createTrigger('members', 'members_touch', {
    when: 'BEFORE',
    operation: 'UPDATE',
    level: 'ROW',
    function: 'touch',
  })
}
