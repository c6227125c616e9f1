DROP TABLE IF EXISTS "reminders", "contact", "vendor", "team_member";
