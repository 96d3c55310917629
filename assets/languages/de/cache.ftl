# Modelle im Speicher und auf der Platte.
