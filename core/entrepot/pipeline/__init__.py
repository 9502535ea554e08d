"""How units flow: stages, the channels between them, the plan that orders them, the run."""
