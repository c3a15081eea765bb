SELECT app.refresh_totals();
