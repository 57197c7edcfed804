HELP = "todo"
def options(parser): pass
def run(given): return 0
