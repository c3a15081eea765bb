DROP INDEX idx_оrders_user_id_ca;
