def text():
    return "as signed"
