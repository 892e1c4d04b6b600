module seaworthy.test/measure

go 1.26
