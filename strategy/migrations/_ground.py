"""The functions that constraints, triggers and row-level security call; made before the first table."""

FUNCTIONS = """
-- What the transaction may read and write. A setting that was never made reads as nothing.
CREATE FUNCTION medel_reads() RETURNS bigint[] LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(nullif(current_setting('medel.reads', true), ''), '{}')::bigint[] $$;
CREATE FUNCTION medel_writes() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('medel.writes', true), '')::bigint $$;
CREATE FUNCTION medel_person() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('medel.person', true), '')::bigint $$;
CREATE FUNCTION medel_installation() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT coalesce(current_setting('medel.installation', true), '') = 'on' $$;

CREATE FUNCTION medel_is_last_of_month(day date) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT date_part('day', day + 1) = 1 $$;

-- The Luhn check digit of a Swedish organisation number nnnnnn-nnnn, whose third digit is at least 2.
CREATE FUNCTION medel_is_organisation_number(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE digits text := replace(value, '-', ''); total int := 0; step int;
BEGIN
    IF value !~ '^\\d{2}[2-9]\\d{3}-\\d{4}$' THEN RETURN false; END IF;
    FOR place IN 1..10 LOOP
        step := substr(digits, place, 1)::int * CASE WHEN place % 2 = 1 THEN 2 ELSE 1 END;
        total := total + step / 10 + step % 10;
    END LOOP;
    RETURN total % 10 = 0;
END $$;

-- An administration, sector or company; a smaller unit only where a strategist sits in it and it lies
-- below an administration that serves the executive board.
CREATE FUNCTION medel_unit_may_own(wanted bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT 1 FROM strategy_unit u WHERE u.id = wanted AND u.kind IN ('administration', 'sector', 'company')
    ) OR (
        EXISTS (
            SELECT 1 FROM strategy_assignment a
            WHERE a.unit_id = wanted AND a.role = 'international_strategist'
        ) AND EXISTS (
            WITH RECURSIVE above AS (
                SELECT u.id, u.parent_id FROM strategy_unit u WHERE u.id = wanted
                UNION SELECT u.id, u.parent_id FROM strategy_unit u JOIN above ON u.id = above.parent_id
            )
            SELECT 1 FROM above
            JOIN strategy_boardservice s ON s.unit_id = above.id
            JOIN strategy_unit b ON b.id = s.board_id AND b.is_executive_board
        )
    );
END $$;

-- The narrow door of the login: in which municipalities a person has an assignment on a day. Nothing else.
CREATE FUNCTION medel_municipalities_of(who bigint, day date) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT a.municipality_id FROM strategy_assignment a
        WHERE a.person_id = who AND a.starts_on <= day AND (a.ends_on IS NULL OR a.ends_on >= day);
END $$;

-- Whether an address is already a person's: his or her id alone, for inviting somebody known elsewhere.
CREATE FUNCTION medel_person_with_address(address text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT p.id FROM strategy_person p WHERE lower(p.email) = lower(address));
END $$;

-- Numbers for register ids: never given twice, nobody waits for another's long transaction.
CREATE FUNCTION medel_take_register_numbers(place bigint, in_year int, wanted int) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE counter text := format('register_numbers_%s_%s', place, in_year);
BEGIN
    IF place IS DISTINCT FROM medel_writes() OR in_year NOT BETWEEN 1971 AND 2199 OR wanted NOT BETWEEN 0 AND 1000000 THEN
        RAISE EXCEPTION 'register numbers are taken in the own municipality' USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Named with its schema: a temporary sequence of the same name counts for nobody.
    IF to_regclass('public.' || counter) IS NULL THEN
        BEGIN
            EXECUTE format('CREATE SEQUENCE IF NOT EXISTS public.%I', counter);
        EXCEPTION WHEN unique_violation THEN NULL;  -- another made it in the same moment
        END;
    END IF;
    RETURN QUERY EXECUTE format('SELECT nextval(%L) FROM generate_series(1, $1)', 'public.' || counter) USING wanted;
END $$;

-- The counters of this year and the next for every municipality, made before they are needed: whoever takes
-- the first number of a year within a long transaction would make the others wait for the counter itself.
CREATE FUNCTION medel_prepare_register_numbers() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE counter text;
BEGIN
    FOR counter IN
        SELECT format('register_numbers_%s_%s', m.id, y)
        FROM strategy_municipality m, generate_series(
            date_part('year', now() AT TIME ZONE 'Europe/Stockholm')::int,
            date_part('year', now() AT TIME ZONE 'Europe/Stockholm')::int + 1
        ) y
    LOOP
        IF to_regclass('public.' || counter) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE SEQUENCE IF NOT EXISTS public.%I', counter);
            EXCEPTION WHEN unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
END $$;
"""

DROP = """
DROP FUNCTION medel_prepare_register_numbers();
DROP FUNCTION medel_take_register_numbers(bigint, int, int);
DROP FUNCTION medel_person_with_address(text);
DROP FUNCTION medel_municipalities_of(bigint, date);
DROP FUNCTION medel_unit_may_own(bigint);
DROP FUNCTION medel_is_organisation_number(text);
DROP FUNCTION medel_is_last_of_month(date);
DROP FUNCTION medel_installation();
DROP FUNCTION medel_person();
DROP FUNCTION medel_writes();
DROP FUNCTION medel_reads();
"""

