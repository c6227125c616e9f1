ALTER TABLE members ADD COLUMN locale varchar(10);--> statement-breakpoint
UPDATE members SET locale = 'en';--> statement-breakpoint
ALTER TABLE members ALTER COLUMN locale SET NOT NULL;