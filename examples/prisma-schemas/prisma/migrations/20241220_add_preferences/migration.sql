-- Description: Language and time zone of each team member

-- AlterTable
ALTER TABLE "public"."team_member" ADD COLUMN "language" TEXT,
ADD COLUMN "timezone" TEXT;
