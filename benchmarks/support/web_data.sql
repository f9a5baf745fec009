-- Customers with ten licenses, two invoices and two open items each. One license in 200 is locked, one in 60 ends, one in 50 is deleted,
-- one in 500 failed on its server; the licenses of a customer are scattered over the table, as they are after years.
INSERT INTO customer (id, kind, number, company, contact, invoice_email, business, vat_id, tax_number, buyer_reference, language, currency, payment_method, terms_days,
                      invoice_by_mail, server_id, state, lock_reasons, reminder_block, note, created_at, changed_at, version, street, address_extra, postcode, city,
                      region, country, phone, email)
SELECT i, CASE WHEN i % 9 = 0 THEN 'public' ELSE 'closed' END, 'C' || lpad(i::text, 7, '0'),
       (ARRAY['Taxi', 'Stadtwerke', 'Spedition', 'Security', 'Bau', 'Event', 'Klinik', 'Hafen'])[1 + i % 8] || ' ' || initcap(substr(md5(i::text), 1, 8)) || ' GmbH',
       'Contact ' || i, '', true, 'DE' || (100000000 + i), '', '',
       (ARRAY['de', 'en', 'pt_BR'])[1 + i % 3], 'EUR', 'transfer', 14, true, 1001, CASE WHEN i % 70 = 0 THEN 'deleted' WHEN i % 90 = 0 THEN 'terminated' ELSE 'active' END,
       CASE WHEN i % 200 = 0 THEN 1 ELSE 0 END, false, '', now(), now(), 1, 'Long Street ' || i % 200, '', lpad((i % 99999)::text, 5, '0'), 'City ' || i % 500, '', 'DE',
       '+4940' || lpad(i::text, 7, '0'), 'billing' || i || '@customer' || i || '.example'
FROM generate_series({first_customer}, {last_customer}) i;
INSERT INTO tariff_assignment (customer_id, tariff_id, valid_from) SELECT i, 1 + i % 50, date '2024-01-01' FROM generate_series({first_customer}, {last_customer}) i;
INSERT INTO license (id, customer_id, server_id, tariff_id, user_name, alias, phone, device, network, permissions, state, active_from, active_to, lock_reasons,
                     created_at, changed_at, version, sync_state, sync_error)
SELECT i, {first_customer} + i::bigint * 7919 % {customers}, 1001, 1 + i % 50, 'user' || substr(md5(i::text), 1, 6) || i,
       (ARRAY['Wagen', 'Taxi', 'Radio', 'Kran', 'Wache', 'Bus'])[1 + i % 6] || ' ' || i,
       '+4915' || lpad((i::bigint * 7919 % 100000000)::text, 8, '0'), 'Handset', 'D1', 'group_call,private_call',
       CASE WHEN i % 50 = 0 THEN 'deleted' WHEN i % 60 = 0 THEN 'ending' ELSE 'active' END, date '2024-01-01' + i % 900,
       CASE WHEN i % 50 = 0 THEN date '2026-06-30' WHEN i % 60 = 0 THEN date '2027-01-31' END, CASE WHEN i % 200 = 1 THEN 1 ELSE 0 END,
       now(), now(), 1, CASE WHEN i % 500 = 2 THEN 'failed' ELSE 'synced' END, ''
FROM generate_series({first_license}, {last_license}) i;
INSERT INTO invoice (id, number, series_id, chain_index, kind, customer_id, issued_on, due_on, language, currency, payment_method, net, tax, gross, buyer, seller, notes,
                     issued_at, previous_hash, hash)
SELECT i * 2 + k, 'R2026-' || lpad((i * 2 + k)::text, 7, '0'), (SELECT min(id) FROM invoice_series), i * 2 + k, 'invoice', i, current_date - 40 + 30 * k, current_date - 26 + 30 * k,
       'de', 'EUR', 'transfer', 5000, 950, 5950, '{}', '{}', '[]', now(), '', md5(i::text)
FROM generate_series(0, 1) k, generate_series({first_customer}, {last_customer}) i;
INSERT INTO open_item (customer_id, invoice_id, reference, issued_on, due_on, currency, amount, open, settled_on, disputed, dispute_note, reminder_block)
SELECT customer_id, id, number, issued_on, due_on, 'EUR', gross, CASE WHEN id % 2 = 1 OR id % 40 = 0 THEN gross ELSE 0 END,
       CASE WHEN id % 2 = 1 OR id % 40 = 0 THEN NULL ELSE issued_on + 10 END, false, '', false
FROM invoice WHERE customer_id BETWEEN {first_customer} AND {last_customer};
