EXECUTE made_elsewhere;
