\copy orders from program 'sh x'
