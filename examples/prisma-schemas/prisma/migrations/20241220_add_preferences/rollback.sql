ALTER TABLE "team_member" DROP COLUMN "language", DROP COLUMN "timezone";
