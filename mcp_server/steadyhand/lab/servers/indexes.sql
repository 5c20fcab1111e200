ALTER TABLE orders ADD PRIMARY KEY (id);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
ALTER TABLE reviews ADD PRIMARY KEY (id);
CREATE INDEX reviews_product_id_idx ON reviews (product_id);
CREATE INDEX products_category_idx ON products (category);

ALTER TABLE customers OWNER TO shop_owner;
ALTER TABLE products OWNER TO shop_owner;
ALTER TABLE reviews OWNER TO shop_owner;
ALTER TABLE coupons OWNER TO shop_owner;
ALTER TABLE orders OWNER TO shop_owner;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO steadyhand_ro;
GRANT pg_monitor TO steadyhand_ro;
GRANT shop_owner TO steadyhand_fix;
