CREATE EXTENSION citext;
CREATE EXTENSION pg_stat_statements;
CREATE ROLE shop_owner NOLOGIN;
GRANT USAGE, CREATE ON SCHEMA public TO shop_owner;

CREATE TABLE customers (id integer PRIMARY KEY, email citext NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE products (
    id integer PRIMARY KEY, name text NOT NULL, category integer NOT NULL,
    price_cents integer NOT NULL, stock integer NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE reviews (id integer NOT NULL, product_id integer NOT NULL, rating integer NOT NULL);
CREATE TABLE coupons (id integer PRIMARY KEY, percent integer NOT NULL, expires_at timestamptz NOT NULL);
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer_id integer NOT NULL,
    customer_email citext NOT NULL,
    product_id integer NOT NULL,
    quantity integer NOT NULL,
    total_cents integer NOT NULL,
    status text NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO customers SELECT n, 'customer' || n || '@example.com', 'Customer ' || n FROM generate_series(1, 60000) n;
INSERT INTO products SELECT n, 'Product ' || n, n % 40, 500 + n * 37 % 9000, 1000000 FROM generate_series(1, 400) n;
INSERT INTO reviews SELECT n, 1 + n % 400, 1 + n % 5 FROM generate_series(1, 200000) n;
INSERT INTO coupons
SELECT n, 10, now() + CASE WHEN n % 2 = 0 THEN interval '1 year' ELSE interval '-1 day' END
FROM generate_series(1, 1000) n;
