SELECT *
FROM orders
WHERE user_id = 10482
AND status != 'deleted'
ORDER BY created_at DESC
LIMIT 20;
