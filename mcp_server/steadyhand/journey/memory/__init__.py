"""What earlier incidents teach: their signatures, what people judged their causes to be, and what helped."""
