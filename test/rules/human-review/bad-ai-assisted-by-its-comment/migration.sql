-- Generated with Cursor AI
ALTER TABLE orders ADD COLUMN note text;
