DROP INDEX :name;
