-- The limit of the fee run: sets only, one transaction, the same documents and charges into the same tables.
-- October 2026; what the data of `fee_data.sql` does not have (locks, trial days, prepaid, longer periods) is left out here.
CREATE TEMP TABLE run_tier ON COMMIT DROP AS
SELECT tariff_id, from_quantity AS low, coalesce(lead(from_quantity) OVER (PARTITION BY tariff_id ORDER BY from_quantity) - 1, 2147483647) AS high, unit_price
FROM tariff_tier;
ANALYZE run_tier;
-- @step
CREATE TEMP TABLE run_span ON COMMIT DROP AS
SELECT l.customer_id, l.id AS license_id, s.tariff_id, greatest(s.valid_from, l.active_from, date '2026-10-01') AS first_day,
       least(s.valid_to, l.active_to, c.termination_date, date '2026-10-31') AS last_day
FROM license l JOIN license_tariff s ON s.license_id = l.id JOIN customer c ON c.id = l.customer_id JOIN tariff t ON t.id = s.tariff_id
WHERE t.billing = 'postpaid' AND l.active_from <= date '2026-10-31' AND (l.active_to IS NULL OR l.active_to >= date '2026-10-01')
  AND s.valid_from <= date '2026-10-31' AND (s.valid_to IS NULL OR s.valid_to >= date '2026-10-01');
-- @step
CREATE TEMP TABLE run_use ON COMMIT DROP AS
SELECT customer_id, license_id, tariff_id, days, count(*) OVER (PARTITION BY customer_id, tariff_id) AS units,
       row_number() OVER (PARTITION BY customer_id, tariff_id ORDER BY license_id) AS place
FROM (SELECT customer_id, license_id, tariff_id, sum(last_day - first_day + 1)::int AS days FROM run_span WHERE first_day <= last_day GROUP BY 1, 2, 3) x;
-- @step
CREATE TEMP TABLE run_charge ON COMMIT DROP AS
SELECT *, (2 * unit_price * days + 3100) / 6200 AS net FROM (
SELECT u.customer_id, u.license_id, u.tariff_id, 0 AS service_id, CASE t.pro_rata WHEN 'day' THEN u.days ELSE 31 END AS days, p.unit_price, t.name::text AS text,
       coalesce(t.article_id, c.article_id) AS article_id
FROM run_use u JOIN tariff t ON t.id = u.tariff_id JOIN customer c ON c.id = u.customer_id
JOIN run_tier p ON p.tariff_id = u.tariff_id AND CASE t.tier_policy WHEN 'graduated' THEN u.place ELSE u.units END BETWEEN p.low AND p.high
UNION ALL
SELECT o.customer_id, o.license_id, o.tariff_id, o.service_id, CASE t.pro_rata WHEN 'day' THEN o.days ELSE 31 END, f.unit_price,
       coalesce(nullif(CASE c.language WHEN 'de' THEN v.name_de WHEN 'pt_BR' THEN v.name_pt_br ELSE v.name_en END, ''), v.name_en) || ' (' || t.name || ')',
       coalesce(t.article_id, c.article_id)
FROM (SELECT s.customer_id, s.license_id, s.tariff_id, x.service_id, sum(least(s.last_day, x.valid_to) - greatest(s.first_day, x.valid_from) + 1)::int AS days
      FROM run_span s JOIN license_service x ON x.license_id = s.license_id AND x.valid_from <= s.last_day AND (x.valid_to IS NULL OR x.valid_to >= s.first_day)
      WHERE s.first_day <= s.last_day GROUP BY 1, 2, 3, 4) o
JOIN tariff t ON t.id = o.tariff_id JOIN customer c ON c.id = o.customer_id JOIN service v ON v.id = o.service_id
JOIN tariff_service f ON f.tariff_id = o.tariff_id AND f.service_id = o.service_id AND NOT f.included) priced;
-- @step
CREATE TEMP TABLE run_document ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('billing_document', 'id')) AS id, x.* FROM (SELECT customer_id, sum(net)::bigint AS net, count(*) AS charges FROM run_charge GROUP BY 1 ORDER BY 1) x;
ANALYZE run_document;
-- @step
INSERT INTO billing_document (id, customer_id, period, sequence, currency, state, held_because, fees_net, fees_count, created_at)
SELECT d.id, d.customer_id, '2026-10', 1, c.currency, 'draft', '', d.net, d.charges, now() FROM run_document d JOIN customer c ON c.id = d.customer_id;
-- @step
INSERT INTO charge (document_id, license_id, tariff_id, service_id, period_start, period_end, days, of_days, unit_price, net, text, article_id)
SELECT d.id, p.license_id, p.tariff_id, p.service_id, date '2026-10-01', date '2026-10-31', p.days, 31, p.unit_price, p.net, p.text, p.article_id
FROM run_charge p JOIN run_document d ON d.customer_id = p.customer_id;
