DROP TABLE "public"."order_items";
DROP TABLE "public"."orders";
