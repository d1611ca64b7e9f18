-- AlterTable
ALTER TABLE "Entry" ADD COLUMN "pinned" BOOLEAN NOT NULL DEFAULT false;
