ALTER DATABASE orders SET random_page_cost = 100000;
