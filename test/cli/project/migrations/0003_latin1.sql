UPDATE parcels SET note = 'café';
