"""What is simulated: neurons, synapses, stimuli and circuits as plain descriptions."""
