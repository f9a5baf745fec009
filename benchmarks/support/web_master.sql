-- What the benchmark of the pages is filled on: a mode, a server, 50 tariffs.
INSERT INTO ptt_mode (id, code, name, needs_phone, group_invitation, configuration_sms, setup_password, download_url) VALUES (1001, 'BENCH', 'Benchmark', false, true, true, false, '');
INSERT INTO ptt_server (id, name, driver, profile, wsdl, endpoint, username, verify_tls, allowed_hosts, read_timeout, active, revision, health_note)
VALUES (1001, 'Server', 'none', 'simulator', 'http://localhost/', '', '', true, '', 10, true, 0, '');
INSERT INTO tariff (id, code, name, mode_id, currency, billing, period_months, pro_rata, while_locked, tier_policy, trial_days, valid_from, state)
SELECT i, 'T' || i, 'PTT tariff ' || i, 1001, 'EUR', 'postpaid', 1, 'day', 'bill', 'all_units', 0, date '2020-01-01', 'active' FROM generate_series(1, 50) i;
INSERT INTO tariff_tier (tariff_id, from_quantity, unit_price) SELECT t, 1, 30000 + t * 3700 FROM generate_series(1, 50) t;
