/**
 * Reads the histories of many schemas in one message. The question comes as JSON in the setting `tenantry.ask`, the
 * answer goes to `tenantry.answer`: no TEMP privilege is needed, and a read-only role will do. It runs with nothing on
 * the search path, so that no function or operator of a tenant's can take the place of the server's own;
 * `tenantry.home` says what the default schema was.
 *
 * Each table that is read costs a lock or two until the transaction ends, and ten thousand tables would overrun the
 * lock table. So they are read in chunks of 250, each in a sub-block that is rolled back: that gives the locks back,
 * while PL/pgSQL variables keep their values. A chunk that fails (a table without privilege, or locked by somebody)
 * is read again one by one, so that only the culprit fails.
 *
 * An answer per target: `-` no such schema, `!SQLSTATE message` unreadable, else its history (or the MD5 of it):
 * four parts between GS: columns, has a ledger, rows, ledger rows; rows end at RS, their fields at US.
 */
export const historyQuestion = String.raw`DO $tenantry$
DECLARE
  ask jsonb := current_setting('tenantry.ask')::jsonb; home text := nullif(current_setting('tenantry.home'), '');
  key_column text := ask->>'key'; checksum_column text := ask->>'checksum';
  batch_column text := ask->>'batch'; logs_column text := ask->>'logs'; flag_column text := ask->>'flag';
  key_else text := ask->>'keyElse'; name_key text := ask->>'nameKey'; kind_column text := ask->>'kind';
  finished text := ask->>'finishedAt'; rolled_back text := ask->>'rolledBackAt'; fixed_schema text := ask->>'schema';
  history_table text := ask->>'table'; ledger_table text := ask->>'ledgerTable';
  want_ledger boolean := (ask->>'ledger')::boolean; digest boolean := (ask->>'digest')::boolean;
  orders text[] := ARRAY(SELECT jsonb_array_elements_text(ask->'order'));
  required text[] := ARRAY(SELECT jsonb_array_elements_text(ask->'required'));
  names text[]; places text[]; known boolean[]; shapes text[]; ledgers boolean[]; halves boolean[]; lacking text[];
  answers text[] := '{}'; part text[]; one text; ledger_rows text; order_column text; shape text; has_checksum boolean;
  pos int := 1; step int := 250; single_until int := 0; hi int; i int; n int;
BEGIN
  PERFORM set_config('lock_timeout', ask->>'lockTimeoutMs', true);
  SELECT array_agg(coalesce(e.name, home) ORDER BY e.o) INTO names
    FROM jsonb_array_elements_text(ask->'targets') WITH ORDINALITY e(name, o);
  n := coalesce(cardinality(names), 0);
  ask := NULL; -- large: each look at it would unpack it again
  SELECT array_agg(coalesce(fixed_schema, u.name) ORDER BY u.o),
         array_agg(s.oid IS NOT NULL ORDER BY u.o),
         array_agg((SELECT E'\x1e' || string_agg(concat_ws(E'\x1f', a.attname, a.atttypid::int8, a.attnotnull,
                                                           a.atthasdef OR a.attidentity <> ''), E'\x1e' ORDER BY a.attnum)
                      FROM pg_attribute a WHERE a.attrelid = h.oid AND a.attnum > 0 AND NOT a.attisdropped) ORDER BY u.o),
         array_agg(l.oid IS NOT NULL ORDER BY u.o),
         array_agg(d.description LIKE 'half-done:%' ORDER BY u.o),
         array_agg((SELECT string_agg(r, E'\x1f') FROM unnest(required) r
                     WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = s.oid AND c.relname = r)) ORDER BY u.o)
    INTO places, known, shapes, ledgers, halves, lacking
    FROM unnest(names) WITH ORDINALITY u(name, o)
    LEFT JOIN pg_namespace s ON s.nspname = u.name
    LEFT JOIN pg_namespace p ON p.nspname = coalesce(fixed_schema, u.name)
    LEFT JOIN pg_class h ON h.relnamespace = p.oid AND h.relname = history_table AND h.relkind IN ('r', 'p', 'v', 'f')
    LEFT JOIN pg_class l ON l.relnamespace = p.oid AND l.relname = ledger_table AND l.relkind = 'r'
    LEFT JOIN pg_description d ON d.objoid = l.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0;

  WHILE pos <= n LOOP
    hi := least(pos + step - 1, n);
    part := '{}';
    BEGIN
      FOR i IN pos .. hi LOOP
        IF NOT known[i] THEN part := part || '-'::text; CONTINUE; END IF;
        shape := shapes[i]; one := ''; ledger_rows := ''; has_checksum := false;
        IF shape IS NOT NULL THEN
          IF strpos(shape, E'\x1e' || key_column || E'\x1f') = 0 THEN
            RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('the history table %I.%I has no column %I', places[i], history_table, key_column);
          END IF;
          has_checksum := checksum_column IS NOT NULL AND strpos(shape, E'\x1e' || checksum_column || E'\x1f') > 0;
          SELECT o INTO order_column FROM unnest(orders) WITH ORDINALITY e(o, nr)
            -- An "id" that is no number (a UUID) tells no order.
            WHERE CASE WHEN o = 'id' THEN shape ~ E'\x1eid\x1f(20|21|23|1700)\x1f' ELSE strpos(shape, E'\x1e' || o || E'\x1f') > 0 END
            ORDER BY nr LIMIT 1;
          EXECUTE format('SELECT string_agg(concat_ws(E''\x1f'', %s, %s, %s, %s, %s%s), E''\x1e'' ORDER BY %I, %I) FROM %I.%I%s',
            CASE WHEN name_key IS NOT NULL AND strpos(shape, E'\x1e' || name_key || E'\x1f') > 0
                 THEN format('coalesce(%I::text, %I::text)', name_key, key_column)
                 WHEN key_else IS NOT NULL THEN format('coalesce(%I::text, %I::text)', key_column, key_else) ELSE format('%I::text', key_column) END,
            CASE WHEN has_checksum THEN format('coalesce(%I::text, '''')', checksum_column) ELSE '''''' END,
            CASE WHEN flag_column IS NOT NULL AND strpos(shape, E'\x1e' || flag_column || E'\x1f') > 0
                 THEN format('CASE WHEN %I::text IN (''true'', ''1'') THEN ''y'' ELSE ''n'' END', flag_column)
                 WHEN finished IS NOT NULL AND strpos(shape, E'\x1e' || finished || E'\x1f') > 0
                 THEN format('CASE WHEN %I IS NULL THEN ''f'' ELSE ''a'' END', finished) ELSE '''a''' END,
            CASE WHEN batch_column IS NOT NULL AND strpos(shape, E'\x1e' || batch_column || E'\x1f') > 0
                 THEN format('coalesce(%I::text, '''')', batch_column) ELSE '''''' END,
            CASE WHEN finished IS NOT NULL AND logs_column IS NOT NULL AND strpos(shape, E'\x1e' || logs_column || E'\x1f') > 0
                 THEN format('CASE WHEN %I IS NULL THEN left(translate(%I::text, E''\x1d\x1e\x1f'', ''''), 2000) ELSE '''' END', finished, logs_column) ELSE '''''' END,
            CASE WHEN kind_column IS NOT NULL AND key_else IS NOT NULL AND strpos(shape, E'\x1e' || kind_column || E'\x1f') > 0
                 THEN format(', coalesce(%I::text, ''''), CASE WHEN %I IS NULL THEN ''r'' ELSE '''' END', kind_column, key_column) ELSE '' END,
            coalesce(order_column, key_column), key_column, places[i], history_table,
            CASE WHEN rolled_back IS NOT NULL AND strpos(shape, E'\x1e' || rolled_back || E'\x1f') > 0
                 THEN format(' WHERE %I IS NULL', rolled_back) ELSE '' END) INTO one;
        END IF;
        IF ledgers[i] AND (want_ledger OR halves[i] OR (shape IS NOT NULL AND NOT has_checksum)) THEN
          EXECUTE format('SELECT string_agg(concat_ws(E''\x1f'', migration, checksum, state, statements_done, statements_total, prefix%s), E''\x1e'' ORDER BY migration) FROM %I.%I WHERE history = %L',
            -- Rollouts would tell equal histories apart.
            CASE WHEN digest THEN '' ELSE ', rollout' END, places[i], ledger_table, history_table) INTO ledger_rows;
        END IF;
        one := concat(shape, E'\x1d', ledgers[i], E'\x1d', one, E'\x1d', ledger_rows);
        part := part || CASE WHEN digest THEN md5(one) ELSE one END;
      END LOOP;
      RAISE EXCEPTION USING ERRCODE = 'TN900';
    EXCEPTION
      WHEN SQLSTATE 'TN900' THEN answers := answers || part; pos := hi + 1;
      WHEN OTHERS THEN
        IF hi = pos THEN answers := answers || concat('!', SQLSTATE, ' ', SQLERRM); pos := pos + 1;
        ELSE step := 1; single_until := hi; END IF;
    END;
    IF step = 1 AND pos > single_until THEN step := 250; END IF;
  END LOOP;
  PERFORM set_config('tenantry.answer', json_build_object('defaultSchema', home, 'answers', answers,
    'lacking', (SELECT json_object_agg(o - 1, l) FROM unnest(lacking) WITH ORDINALITY x(l, o) WHERE l IS NOT NULL))::text, true);
END $tenantry$`
