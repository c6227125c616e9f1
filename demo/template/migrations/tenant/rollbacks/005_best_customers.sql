DROP VIEW best_customers;
