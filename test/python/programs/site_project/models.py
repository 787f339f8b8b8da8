from django.db import models


class Town(models.Model):
    name = models.CharField(max_length=40)
    since = models.IntegerField(default=1900)
