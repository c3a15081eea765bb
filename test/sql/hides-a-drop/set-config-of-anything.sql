SELECT set_config('search' || '_path', 'x', false);
