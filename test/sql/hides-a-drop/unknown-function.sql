SELECT tidy_up_indexes();
