-- Synthetic provider for the fee run: {customers} customers, {licenses} licenses, 50 tariffs with 5 tiers each.
-- A few large customers and many small ones, three tariffs each; licenses of a customer are scattered over the table, as they are after years.
-- October 2026: 2.5 % of the licenses begin in it, 1.7 % end in it, 2 % change their tariff in it; every tariff has one
-- included and two priced services, a fifth of the licenses has a priced one, some of them from the middle of the month.
INSERT INTO article (id, number, unit, net_price, tax_class, revenue_account, commissionable, active, name_en, name_de, name_pt_br)
SELECT i, 'A' || i, 'C62', 0, 'standard', '8400', true, true, 'PTT service ' || i, '', '' FROM generate_series(1, 5) i;
INSERT INTO ptt_mode (id, code, name, needs_phone, group_invitation, configuration_sms, setup_password, download_url) VALUES (1, 'NPOC', 'NPOC', false, true, true, false, '');
INSERT INTO ptt_server (id, name, driver, profile, wsdl, endpoint, username, verify_tls, allowed_hosts, read_timeout, active, revision, health_note)
VALUES (1, 'Server', 'none', 'simulator', 'http://localhost/', '', '', true, '', 10, true, 0, '');
INSERT INTO service (id, code, safety_critical, active, name_en, name_de, name_pt_br)
VALUES (1, 'GPS', false, true, 'GPS tracking', 'GPS-Ortung', 'Rastreamento GPS'), (2, 'CHAT', false, true, 'Chat', '', ''), (3, 'SOS', true, true, 'SOS', '', '');
INSERT INTO tariff (id, code, name, mode_id, article_id, currency, billing, period_months, pro_rata, while_locked, tier_policy, trial_days, valid_from, state)
SELECT i, 'T' || i, 'PTT tariff ' || i, 1, CASE WHEN i % 4 = 0 THEN 1 + i % 5 END, 'EUR', 'postpaid', 1, CASE WHEN i % 5 = 0 THEN 'none' ELSE 'day' END,
       CASE WHEN i % 2 = 0 THEN 'skip' ELSE 'bill' END, CASE WHEN i % 3 = 0 THEN 'graduated' ELSE 'all_units' END, 0, date '2020-01-01', 'active'
FROM generate_series(1, 50) i;
INSERT INTO tariff_tier (tariff_id, from_quantity, unit_price)
SELECT t, f, (30000 + t * 3700) * (100 - d) / 100 FROM generate_series(1, 50) t, (VALUES (1, 0), (3, 5), (10, 10), (50, 15), (200, 20)) v (f, d);
INSERT INTO tariff_service (tariff_id, service_id, included, unit_price)
SELECT t, s, s = 2, CASE WHEN s = 2 THEN 0 ELSE 5000 * s + t * 100 END FROM generate_series(1, 50) t, generate_series(1, 3) s;
INSERT INTO customer (id, kind, number, company, contact, invoice_email, business, vat_id, tax_number, buyer_reference, language, currency, payment_method, terms_days,
                      invoice_by_mail, article_id, server_id, state, lock_reasons, reminder_block, note, created_at, changed_at, version, street, address_extra, postcode, city,
                      region, country, phone, email)
SELECT i, 'closed', 'C' || lpad(i::text, 7, '0'), 'Customer company ' || i || ' GmbH', 'Contact ' || i, '', true, 'DE' || (100000000 + i), '', '',
       (ARRAY['de', 'en', 'pt_BR'])[1 + i % 3], 'EUR', 'transfer', 14, true, 1 + i % 5, 1, 'active', 0, false, '', now(), now(), 1, 'Long Street ' || i % 200, '',
       lpad((i % 99999)::text, 5, '0'), 'City ' || i % 500, '', 'DE', '', 'billing' || i || '@customer' || i || '.example'
FROM generate_series(1, {customers}) i;
INSERT INTO license (id, customer_id, server_id, tariff_id, user_name, alias, phone, device, network, permissions, state, active_from, active_to, lock_reasons,
                     created_at, changed_at, version, sync_state, sync_error)
SELECT i, customer_id, 1, 1 + (customer_id * 7 + (hashint4(i * 7) & 2147483647) % 3) % 50, 'user' || i, 'Radio ' || i,
       '+4915' || lpad(i::text, 8, '0'), 'Handset', 'D1', 'group_call,private_call', CASE WHEN i % 60 = 0 THEN 'ending' ELSE 'active' END,
       CASE WHEN i % 40 = 0 THEN date '2026-10-01' + i / 40 % 31 ELSE date '2024-01-01' + i % 900 END,
       CASE WHEN i % 60 = 0 THEN date '2026-10-05' + i / 60 % 20 END, 0, now(), now(), 1, 'synced', ''
FROM (SELECT i, 1 + floor(pow(hashint4(i)::float8 / 4294967296.0 + 0.5, 2) * ({customers} - 1))::int AS customer_id FROM generate_series(1, {licenses}) i) x;
INSERT INTO license_tariff (license_id, tariff_id, valid_from, valid_to)
SELECT id, CASE WHEN changes THEN 1 + tariff_id % 50 ELSE tariff_id END, active_from, CASE WHEN changes THEN date '2026-10-14' ELSE active_to END
FROM (SELECT *, id % 50 = 7 AND active_from < date '2026-10-01' AND active_to IS NULL AS changes FROM license) l;
INSERT INTO license_tariff (license_id, tariff_id, valid_from)
SELECT id, tariff_id, date '2026-10-15' FROM license WHERE id % 50 = 7 AND active_from < date '2026-10-01' AND active_to IS NULL;
INSERT INTO license_service (license_id, service_id, valid_from, valid_to)
SELECT id, 1 + 2 * (id / 5 % 2), CASE WHEN id % 35 = 0 AND active_from < date '2026-10-01' THEN date '2026-10-10' ELSE active_from END, active_to
FROM license WHERE id % 5 = 0;
INSERT INTO license_service (license_id, service_id, valid_from, valid_to) SELECT id, 2, active_from, active_to FROM license WHERE id % 10 = 3;
