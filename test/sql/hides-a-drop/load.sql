LOAD 'evil';
