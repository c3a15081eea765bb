UPDATE parcels SET weight_g = 0 WHERE weight_g IS NULL;
